"""Questions about a running stack that only AWS can answer; `diaspora-infra smoke` asks them."""
