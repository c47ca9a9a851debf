require ["include", "variables"];
set "global.trace" "${global.trace} before";
if true { return; }
set "global.trace" "${global.trace} behind";
