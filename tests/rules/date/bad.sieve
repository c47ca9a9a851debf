require "date";
if date :zone "+0100" :originalzone "date" "year" "2009" { stop; }
if currentdate :originalzone "year" "2009" { stop; }
if date ["date", "x"] "year" "2009" { stop; }
if date "date" "2009" { stop; }
# no mistakes, but warnings
if date :zone "here" "date" "century" "2009" { stop; }
