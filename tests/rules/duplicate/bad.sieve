require "duplicate";
if duplicate "x" { }
if duplicate :header "a" :uniqueid "b" { }
if duplicate :seconds "1" { }
if duplicate :last :last { }
if duplicate :index 1 { }
duplicate;
