// bazel-remote and all that it is built from, pinned by go.sum:
//
//	go build -mod=readonly -o bazel-remote github.com/buchgr/bazel-remote/v2
module cache

go 1.24.0

require github.com/buchgr/bazel-remote/v2 v2.6.1
