require "duplicate";
if duplicate :uniqueid "twice" { discard; stop; }
if duplicate :uniqueid "twice" { discard; }
