require "vacation-seconds";
vacation :seconds 120 "Away for a moment.";
