module example.test/connector

go 1.24
