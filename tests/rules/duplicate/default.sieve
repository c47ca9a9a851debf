require ["duplicate"];
if duplicate :uniqueid "default" { discard; }
