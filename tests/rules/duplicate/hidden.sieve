require "duplicate";
if allof(false, duplicate :uniqueid "hidden") { discard; }
