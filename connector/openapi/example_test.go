package openapi_test

import (
	"encoding/json/v2"
	"fmt"

	"github.com/millrace-go/millrace/connector/httpconn"
	"github.com/millrace-go/millrace/connector/openapi"
)

func ExampleNew() {
	type Order struct {
		ID       string `json:"id"       validate:"required,max=20"`
		Quantity int    `json:"quantity" validate:"min=1"`
	}
	orders, err := httpconn.NewIntake[Order](httpconn.IntakeConfig{})
	if err != nil {
		panic(err)
	}
	description, err := openapi.New(openapi.Info{Title: "Shop", Version: "1.0"},
		openapi.Route{Path: "/orders", Summary: "Place an order", Endpoint: orders})
	if err != nil {
		panic(err)
	}
	var parsed struct {
		Components struct {
			Schemas map[string]any `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(description.JSON(), &parsed); err != nil {
		panic(err)
	}
	fmt.Println(parsed.Components.Schemas["Order"])
	// Output:
	// map[properties:map[id:map[maxLength:20 type:string] quantity:map[format:int64 minimum:1 type:integer]] required:[id] type:object]
}
