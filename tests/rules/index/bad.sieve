require "index";
if header :last "x" "y" { stop; }
if header :index 0 :last "x" "y" { stop; }
if header :index "1" "x" "y" { stop; }
if exists :index 1 "x" { stop; }
