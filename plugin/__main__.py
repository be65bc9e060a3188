"""What the engine starts where a program adds this folder as a package."""

from diaspora_infra.plugin import main

main()
