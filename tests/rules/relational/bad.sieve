require "relational";
if header :value "equal" "a" "b" { stop; }
if header :count "eq" :is "a" "b" { stop; }
