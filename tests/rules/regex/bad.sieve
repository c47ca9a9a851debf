require "regex";
if header :regex "a" "(" { stop; }
if header :regex "a" ["fine", "[z-a]"] { stop; }
