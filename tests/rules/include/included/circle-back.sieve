require "include";
include :once "circle-once";
