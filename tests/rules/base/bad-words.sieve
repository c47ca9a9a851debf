require "vriables";
fileinto "x"; fileinto "y";
if header is "a" "b" { stop; }
if header "a" :is "b" { stop; }
if not (true) { stop; }
keep; else { stop; }
