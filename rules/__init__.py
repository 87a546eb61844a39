"""The rules of the standard repository: one module a family, written against unibuild.analysis.api."""
