package flowtest_test

import (
	"os"
	"testing"

	"github.com/millrace-go/millrace/flow/flowtest"
)

func ExampleCover() {
	// func TestMain(m *testing.M) {
	var m *testing.M
	os.Exit(flowtest.Cover(m, 90)) // 90 percent of what the pipelines can do
	// }
}
