require "vnd.mailmill";
fail "on purpose";
