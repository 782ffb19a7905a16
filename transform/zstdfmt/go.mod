module github.com/millrace-go/millrace/transform/zstdfmt

go 1.27.1

toolchain go1.27.4

replace github.com/millrace-go/millrace => ../..

require (
	github.com/klauspost/compress v1.20.4
	github.com/millrace-go/millrace v0.0.0-00010101000000-000000000000
)
