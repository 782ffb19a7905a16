// Package proxytest tests httpconn through a proxy that cuts, stalls, slows and truncates
// connections. It is a module of its own, because the proxy has dependencies.
package proxytest
