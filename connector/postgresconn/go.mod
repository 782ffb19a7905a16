module github.com/millrace-go/millrace/connector/postgresconn

go 1.27.1

toolchain go1.27.4

replace github.com/millrace-go/millrace => ../..

require (
	github.com/jackc/pglogrepl v0.0.0-20250509230407-a9884f6bd75a
	github.com/jackc/pgx/v5 v5.12.0
	github.com/millrace-go/millrace v0.0.0-00010101000000-000000000000
	github.com/Shopify/toxiproxy/v2 v2.5.0
)
