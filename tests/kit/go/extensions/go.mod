// What the tests build: a good plugin, a good connector, and one binary that goes wrong in every way.
module example.com/aegis-extensions

go 1.25.0

require go.codycody31.dev/squad-aegis v0.0.0-20260518135713-25c95d86a9a9

require (
	github.com/fatih/color v1.13.0 // indirect
	github.com/golang/protobuf v1.5.4 // indirect
	github.com/hashicorp/go-hclog v1.6.3 // indirect
	github.com/hashicorp/go-plugin v1.7.0 // indirect
	github.com/hashicorp/yamux v0.1.2 // indirect
	github.com/mattn/go-colorable v0.1.12 // indirect
	github.com/mattn/go-isatty v0.0.17 // indirect
	github.com/oklog/run v1.1.0 // indirect
	golang.org/x/net v0.38.0 // indirect
	golang.org/x/sys v0.31.0 // indirect
	golang.org/x/text v0.23.0 // indirect
	google.golang.org/genproto/googleapis/rpc v0.0.0-20231106174013-bbf56f31fb17 // indirect
	google.golang.org/grpc v1.61.0 // indirect
	google.golang.org/protobuf v1.36.6 // indirect
)

// The stand-in beside this module. Tests put the real SDK here when AILERON_AEGIS_SDK names one.
replace go.codycody31.dev/squad-aegis => ../sdk
