require ["include", "variables"];
set "global.trace" "${global.trace} <${private}>";
set "private" "theirs";
