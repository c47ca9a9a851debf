require "vacation";
vacation :seconds 1 "x";
