"""Questions about a living stack that only AWS can answer; `diaspora-infra smoke` asks them."""
