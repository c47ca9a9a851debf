require ["duplicate"];
if duplicate :handle "i" { discard; }
