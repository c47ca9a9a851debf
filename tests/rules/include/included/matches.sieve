require ["include", "variables"];
set "global.trace" "${global.trace} <${1}>";
if string :matches "seen" "*" { set "global.trace" "${global.trace} ${1}"; }
