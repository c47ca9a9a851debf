require "envelope";
if envelope ["to", "form"] "x" { stop; }
