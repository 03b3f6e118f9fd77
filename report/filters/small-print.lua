-- Sets what has the class `origin` small and grey in the PDF; on the page the style sheet does it.
-- Keeps the line under a heading that names item and points ("*Item 4a · 2 points*") together with what follows.

local function small(el)
  if el.classes:includes("origin") then
    el.content:insert(1, pandoc.RawInline("typst", "#text(size: 7.5pt, fill: luma(35%))["))
    el.content:insert(pandoc.RawInline("typst", "]"))
    return el.content
  end
end

local function together(para)
  local first = para.content[1]
  if #para.content == 1 and first.t == "Emph" and pandoc.utils.stringify(first):match("^Item ") then
    return { pandoc.RawBlock("typst", "#block(sticky: true)["), para, pandoc.RawBlock("typst", "]") }
  end
end

if FORMAT:match("typst") then
  return { { Span = small, Para = together } }
end
return {}
