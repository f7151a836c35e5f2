"""`python -m longshift`: the same as the console script."""

from longshift.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
