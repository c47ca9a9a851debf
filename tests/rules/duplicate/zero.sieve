require ["duplicate"];
if duplicate :seconds 0 :uniqueid "zero" { discard; }
