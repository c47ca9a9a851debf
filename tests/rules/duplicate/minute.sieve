require ["duplicate"];
if duplicate :seconds 60 :uniqueid "minute" { discard; }
