require ["extlists", "variables"]; set "x" "none"; redirect :list "tag:${x}";
