require "duplicate";
if duplicate :uniqueid "fails" { discard; }
