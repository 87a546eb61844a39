module unibuild.test/runtime

go 1.26
