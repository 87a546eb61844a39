// bazel-remote, and in go.sum all that it is built from. See install.
module cache

go 1.24.0

require github.com/buchgr/bazel-remote/v2 v2.6.1
