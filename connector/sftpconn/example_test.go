package sftpconn_test

import (
	"log"
	"os"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/boltstore"
	"github.com/millrace-go/millrace/connector/fileconn"
	"github.com/millrace-go/millrace/connector/sftpconn"
	"github.com/millrace-go/millrace/transform"
)

// Example makes a source of the order files that a partner puts on his server, and a sink
// for the answers.
func Example() {
	orders, answers, err := partner("files.example.com:22", "/home/me/.ssh/known_hosts", "/home/me/.ssh/id_ed25519")
	if err != nil {
		log.Print(err)

		return
	}
	_, _ = orders, answers // flow.New("orders", flow.From(orders).DeadLetter(…)…)
}

type order struct {
	ID    string          `csv:"id"`
	Total transform.Money `csv:"total"`
}

func partner(address, knownHosts, keyFile string) (connector.Source[transform.Row[order]], connector.Sink[order], error) {
	hosts, err := knownhosts.New(knownHosts)
	if err != nil {
		return nil, nil, err
	}
	pem, err := os.ReadFile(keyFile)
	if err != nil {
		return nil, nil, err
	}
	key, err := ssh.ParsePrivateKey(pem)
	if err != nil {
		return nil, nil, err
	}
	config := sftpconn.Config{
		Address: address, User: "orders", Folder: "in",
		Auth: []ssh.AuthMethod{ssh.PublicKeys(key)}, HostKey: hosts,
	}
	in, err := sftpconn.New(config)
	if err != nil {
		return nil, nil, err
	}
	config.Folder = "out"
	out, err := sftpconn.New(config)
	if err != nil {
		return nil, nil, err
	}
	store, err := boltstore.Open("orders.store", boltstore.Config{})
	if err != nil {
		return nil, nil, err
	}
	format, err := transform.NewCSV[order](transform.CSVConfig{})
	if err != nil {
		return nil, nil, err
	}
	source, err := fileconn.FolderRows(in, format, fileconn.FolderConfig{
		Store: store, Include: []string{"*.csv"}, Done: ".done", Archive: "archive", Quarantine: "rejected",
	})
	if err != nil {
		return nil, nil, err
	}
	sink, err := fileconn.Upload(out, format, fileconn.UploadConfig{Name: "answers.csv"})

	return source, sink, err
}
