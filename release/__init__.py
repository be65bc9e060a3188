"""What a release consists of, made and checked in dist/: `make dist` (docs/development.md)."""
