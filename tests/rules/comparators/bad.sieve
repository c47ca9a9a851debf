require "comparator-i;ascii-numeric";
if header :contains :comparator "i;ascii-numeric" "a" "1" { stop; }
if header :matches :comparator "i;ascii-numeric" "a" "1" { stop; }
if header :comparator "i;klingon" "a" "1" { stop; }
