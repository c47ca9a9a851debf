require "envelope-dsn";
if envelope "notify" "never" { discard; }
