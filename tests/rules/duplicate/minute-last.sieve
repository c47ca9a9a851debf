require ["duplicate"];
if duplicate :seconds 60 :last :uniqueid "last" { discard; }
