require "envelope";
if envelope "notify" "never" { discard; }
