require "envelope-dsn";
if envelope :localpart "notify" "x" { }
if envelope :domain "ret" "x" { }
if envelope :domain "envid" "x" { }
if envelope :domain "orcpt" "x" { }
