// Serves the folder /static on port 8080.
package main

import (
	"log"
	"net/http"
)

func main() {
	http.Handle("/", http.FileServer(http.Dir("/static")))
	log.Fatal(http.ListenAndServe(":8080", nil))
}
