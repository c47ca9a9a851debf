require "duplicate";
if duplicate :uniqueid "hidden" { discard; }
