require ["duplicate"];
if duplicate :header "X-None" { discard; }
