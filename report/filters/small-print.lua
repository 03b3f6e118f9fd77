-- Sets what has the class `origin` small and grey in the PDF; on the page the style sheet does it.

local function small(el)
  if el.classes:includes("origin") then
    el.content:insert(1, pandoc.RawInline("typst", "#text(size: 7.5pt, fill: luma(35%))["))
    el.content:insert(pandoc.RawInline("typst", "]"))
    return el.content
  end
end

if FORMAT:match("typst") then
  return { { Span = small } }
end
return {}
