require ["duplicate"];
if duplicate :handle "h" { discard; }
