require "reject";
reject;
reject ["a", "b"];
reject 1;
reject :copy "a";
ereject "a";
