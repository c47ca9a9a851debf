require ["virustest", "spamtestplus"];
if virustest :percent "3" { stop; }
