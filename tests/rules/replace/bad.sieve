require "replace";
replace :mime "Hello";
replace :from "nobody" "Hello";
