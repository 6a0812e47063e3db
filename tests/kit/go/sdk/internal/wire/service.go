package wire

import (
	"context"
	"encoding/json"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"
)

// Method is one call of a service, without generated code: `Req` is what arrives, and `answer` makes what leaves.
func Method[Req any](name string, answer func(context.Context, *Req) (any, error)) grpc.MethodDesc {
	return grpc.MethodDesc{
		MethodName: name,
		Handler: func(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
			request := new(Req)
			if err := decode(request); err != nil {
				return nil, err
			}
			return answer(ctx, request)
		},
	}
}

// Ask is a Method whose request is empty.
func Ask(name string, answer func(context.Context) (any, error)) grpc.MethodDesc {
	return Method(name, func(ctx context.Context, _ *emptypb.Empty) (any, error) { return answer(ctx) })
}

// Empty is the answer that holds nothing, with the error of the call.
func Empty(err error) (any, error) { return &emptypb.Empty{}, err }

// Serve offers `methods` as `service`.
func Serve(server *grpc.Server, service string, methods []grpc.MethodDesc) {
	server.RegisterService(&grpc.ServiceDesc{ServiceName: service, Methods: methods}, nil)
}

// ToJSON is the bytes of a value; nothing for a nil map, list or pointer.
func ToJSON(value any) []byte {
	text, err := json.Marshal(value)
	if err != nil || string(text) == "null" {
		return nil
	}
	return text
}

// FromJSON reads a value; the zero value when there are no bytes.
func FromJSON[T any](text []byte) (T, error) {
	var value T
	if len(text) == 0 {
		return value, nil
	}
	err := json.Unmarshal(text, &value)
	return value, err
}
