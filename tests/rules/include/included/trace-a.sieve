require ["include", "variables"];
global "trace";
set "trace" "${trace} a";
